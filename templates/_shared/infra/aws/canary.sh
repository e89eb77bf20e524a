#!/bin/sh
# Requests and errors of the stable build and of the canary in the last SECONDS, as JSON:
#
#   terraform output -json release_metrics | sh canary.sh SECONDS
#
# CloudWatch counts by the minute and about two minutes late.
set -eu
seconds=${1:?how many seconds back?}
names=$(cat)
name() { printf %s "$names" | jq --raw-output "$1"; }
now=$(date +%s)
start=$(jq --null-input --raw-output "$now - $seconds - 60 | todate")
end=$(jq --null-input --raw-output "$now | todate")

count() {
    aws cloudwatch get-metric-statistics --region "$(name .region)" --namespace AWS/ApplicationELB \
        --metric-name "$2" --statistics Sum --period 60 --start-time "$start" --end-time "$end" \
        --dimensions "Name=LoadBalancer,Value=$(name .load_balancer)" "Name=TargetGroup,Value=$(name ".tracks.$1")" \
        --output json | jq '[.Datapoints[].Sum] | add // 0'
}

track() {
    jq --null-input --argjson requests "$(count "$1" RequestCount)" \
        --argjson errors "$(count "$1" HTTPCode_Target_5XX_Count)" '{requests: $requests, errors: $errors}'
}

jq --null-input --argjson stable "$(track stable)" --argjson canary "$(track canary)" '{stable: $stable, canary: $canary}'
