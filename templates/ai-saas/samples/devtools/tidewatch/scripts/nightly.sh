#!/bin/sh
# Copies the database to the second disk and keeps fourteen copies.
set -eu

copy_database() {
    tidewatch backup "/mnt/second/tide-$(date +%F).db"
}

remove_old_copies() {
    ls -1t /mnt/second/tide-*.db | tail -n +15 | xargs -r rm --
}

copy_database
remove_old_copies
