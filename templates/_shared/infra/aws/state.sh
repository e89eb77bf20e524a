#!/bin/sh
# Once for each AWS account: a bucket for Terraform's state, and GitHub's identity provider.
#
#   sh state.sh REGION        for example: sh state.sh eu-central-1
#
# It may be run again. New buckets are private and encrypted by default; versions are your way back from a
# broken state. The lock is a file in the bucket, so there is no lock table.
set -eu
region=${1:?which region? for example: sh state.sh eu-central-1}
account=$(aws sts get-caller-identity --query Account --output text)
bucket=terraform-state-$account

if ! aws s3api head-bucket --bucket "$bucket" 2>/dev/null; then
    if [ "$region" = us-east-1 ]; then
        aws s3api create-bucket --bucket "$bucket" --region "$region" >/dev/null
    else
        aws s3api create-bucket --bucket "$bucket" --region "$region" \
            --create-bucket-configuration "LocationConstraint=$region" >/dev/null
    fi
fi
aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled
aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
    BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true

provider=arn:aws:iam::$account:oidc-provider/token.actions.githubusercontent.com
if ! aws iam get-open-id-connect-provider --open-id-connect-provider-arn "$provider" >/dev/null 2>&1; then
    aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com \
        --client-id-list sts.amazonaws.com >/dev/null
fi

cat <<DONE
The state has a place. In this folder, for dev:

  terraform init -backend-config=bucket=$bucket -backend-config=region=$region -backend-config=key={= project_slug =}/dev.tfstate
DONE
