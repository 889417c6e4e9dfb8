/* SPDX-License-Identifier: MIT */
/*
 * Words that are types.
 *
 * GVA   guest virtual address: what a guest process writes into a device
 * UVA   user virtual address: of a process of the host, or of its kernel
 * GPA   guest physical address: output of the first stage, input of the second
 * HPA   host physical address: output of the second stage, what the memory bus sees
 * RID   requester id of a PCI function, bus[15:8] device[7:3] function[2:0]
 * DID   domain id, the tag of cached translations
 * PASID process address space id, 20 bits. The number a guest knows (gpasid_t) and the number the
 *       physical unit knows (hpasid_t) are different types: only the tables that translate one into
 *       the other may convert.
 *
 * Each is a struct of one member, so that the compiler refuses to mix them up.
 */
#ifndef VSVA_TYPES_H
#define VSVA_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
	uint64_t v;
} gva_t;
typedef struct {
	uint64_t v;
} uva_t;
typedef struct {
	uint64_t v;
} gpa_t;
typedef struct {
	uint64_t v;
} hpa_t;
typedef struct {
	uint32_t v;
} gpasid_t;
typedef struct {
	uint32_t v;
} hpasid_t;
typedef struct {
	uint16_t v;
} did_t;
typedef struct {
	uint16_t v;
} rid_t;

#ifdef __cplusplus
#define VSVA_WRAP_(type, value) (type{value})
#else
#define VSVA_WRAP_(type, value) ((type){value})
#endif

static inline gva_t gva(uint64_t v)
{
	return VSVA_WRAP_(gva_t, v);
}
static inline uva_t uva(uint64_t v)
{
	return VSVA_WRAP_(uva_t, v);
}
static inline gpa_t gpa(uint64_t v)
{
	return VSVA_WRAP_(gpa_t, v);
}
static inline hpa_t hpa(uint64_t v)
{
	return VSVA_WRAP_(hpa_t, v);
}
static inline gpasid_t gpasid(uint32_t v)
{
	return VSVA_WRAP_(gpasid_t, v);
}
static inline hpasid_t hpasid(uint32_t v)
{
	return VSVA_WRAP_(hpasid_t, v);
}
static inline did_t did(uint16_t v)
{
	return VSVA_WRAP_(did_t, v);
}
static inline rid_t rid(uint16_t v)
{
	return VSVA_WRAP_(rid_t, v);
}

/* Largest PASID and the value that is none. PASID 0 is the request-without-PASID number
 * (RID_PASID). */
#define VSVA_PASID_MAX     0xfffffu
#define VSVA_PASID_INVALID 0xffffffffu

#define VSVA_PAGE_SIZE 4096u

/* rights of an access or a mapping */
enum vsva_prot {
	VSVA_PROT_READ = 1,
	VSVA_PROT_WRITE = 2,
};

#ifdef __cplusplus
}
#endif
#endif
