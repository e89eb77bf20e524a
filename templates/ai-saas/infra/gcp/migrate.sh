#!/bin/sh
# Run the migrations of the newest build and wait for their end; it fails where they fail:
#
#   terraform output -json migration | sh migrate.sh
set -eu
names=$(cat)
name() { printf %s "$names" | jq --raw-output "$1"; }

gcloud run jobs execute "$(name .job)" --project "$(name .project)" --region "$(name .region)" --wait
