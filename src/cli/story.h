/* SPDX-License-Identifier: MIT */
/* examples/story.lua, in the executable: what `vsva run` runs without an argument. */
#ifndef CLI_STORY_H
#define CLI_STORY_H

#include <stddef.h>

extern const unsigned char story_text[];
extern const size_t story_len;

#endif
