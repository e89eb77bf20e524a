#!/bin/sh
# Run the migrations of the newest build and wait for their end; it fails where they fail:
#
#   terraform output -json migration | sh migrate.sh
set -eu
names=$(cat)
name() { printf %s "$names" | jq --raw-output "$1"; }
region=$(name .region)
cluster=$(name .cluster)
network=$(name '{awsvpcConfiguration: {subnets, securityGroups: [.security_group], assignPublicIp: "DISABLED"}} | tojson')

task=$(aws ecs run-task --region "$region" --cluster "$cluster" --task-definition "$(name .task)" --launch-type FARGATE \
    --network-configuration "$network" --query 'tasks[0].taskArn' --output text)
aws ecs wait tasks-stopped --region "$region" --cluster "$cluster" --tasks "$task"
ended=$(aws ecs describe-tasks --region "$region" --cluster "$cluster" --tasks "$task" --output json)
code=$(printf %s "$ended" | jq --raw-output '.tasks[0].containers[0].exitCode // "none"')
if [ "$code" != 0 ]; then
    reason=$(printf %s "$ended" | jq --raw-output '.tasks[0] | .containers[0].reason // .stoppedReason')
    echo "The migrations ended with exit code $code ($reason). Their log: streams that begin with migration." >&2
    exit 1
fi
