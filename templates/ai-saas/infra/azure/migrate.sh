#!/bin/sh
# Run the migrations of the newest build and wait for their end; it fails where they fail:
#
#   terraform output -json migration | sh migrate.sh
set -eu
names=$(cat)
name() { printf %s "$names" | jq --raw-output "$1"; }
group=$(name .group)
job=$(name .job)

execution=$(az containerapp job start --resource-group "$group" --name "$job" --query name --output tsv)
while :; do
    state=$(az containerapp job execution show --resource-group "$group" --name "$job" \
        --job-execution-name "$execution" --query properties.status --output tsv)
    case $state in
    Succeeded) exit 0 ;;
    Running | Processing | Unknown) sleep 5 ;; # Azure ends it after half an hour (service_migration.tf)
    *)
        echo "The migrations ended as $state. Their log: az containerapp job logs show --resource-group $group" \
            "--name $job --container migrate --execution $execution" >&2
        exit 1
        ;;
    esac
done
