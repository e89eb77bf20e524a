#!/bin/sh
# Once for each Google Cloud project: a bucket for Terraform's state.
#
#   sh state.sh REGION        for example: sh state.sh europe-west1
#
# It may be run again. The bucket is private and keeps versions: your way back from a broken state. It locks by
# itself.
set -eu
region=${1:?which region? for example: sh state.sh europe-west1}
project=$(gcloud config get-value project 2>/dev/null)
: "${project:?which project? gcloud config set project YOUR-PROJECT}"
bucket=$project-terraform-state

# What Terraform itself needs before it can switch on the rest.
gcloud services enable cloudresourcemanager.googleapis.com cloudbilling.googleapis.com iam.googleapis.com \
    serviceusage.googleapis.com storage.googleapis.com
if ! gcloud storage buckets describe "gs://$bucket" >/dev/null 2>&1; then
    gcloud storage buckets create "gs://$bucket" --location="$region" --uniform-bucket-level-access \
        --public-access-prevention
fi
gcloud storage buckets update "gs://$bucket" --versioning

cat <<DONE
The state has a place. In this folder, for dev:

  export GOOGLE_PROJECT=$project
  terraform init -backend-config=bucket=$bucket -backend-config=prefix={= project_slug =}/dev
DONE
