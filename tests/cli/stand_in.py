# SPDX-License-Identifier: MIT
"""For vsva boot where neither a guest nor a QEMU is: programs that stand in for them."""
import os
import shutil

# A QEMU as far as vsva boot can see: it talks, and then waits to be killed.
QEMU = """#!/bin/sh
case "$*" in
*--version*) echo 'QEMU emulator version 11.0.0' ;;
*help*) echo 'name "vfio-user-pci"' ;;
*) echo '[    0.000000] Linux version 7.0'; echo 'VSVA: copy 1 ok'; echo '[    1.000000] pci bus'; exec sleep 600 ;;
esac
"""
PREPARE = """#!/bin/sh
cat >"$VSVA_CACHE/guest.env" <<END
VSVA_GUEST_ENV=1
QEMU=$VSVA_CACHE/qemu
QEMU_VERSION=11.0.0
GUESTS=7
RELEASE_7=7.0
KERNEL_7=none
INITRD_7=none
CMDLINE_7=none
CPU_7=none
END
"""


def write_program(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, 0o755)


def install(vsva, scratch):
    """This vsva installed in the directory, beside a guest-prepare and with a QEMU of which nothing is true. The program, and what it
    needs in its environment.
    """
    installed, cache = os.path.join(scratch, "bin", "vsva"), os.path.join(scratch, "cache")
    os.makedirs(os.path.dirname(installed))
    shutil.copy(vsva, installed)
    write_program(os.path.join(scratch, "share", "vsva", "scripts", "guest-prepare"), PREPARE)
    write_program(os.path.join(cache, "qemu"), QEMU)
    return installed, {"VSVA_CACHE": cache}
