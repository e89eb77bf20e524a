#!/bin/sh
# Once for each Azure subscription: a storage account for Terraform's state.
#
#   sh state.sh REGION        for example: sh state.sh westeurope
#
# It may be run again. The container is private, readable by identities only, and keeps versions: your way back
# from a broken state. A lease on the state's blob is the lock.
set -eu
region=${1:?which region? for example: sh state.sh westeurope}
subscription=$(az account show --query id --output tsv)
account=tfstate$(printf %s "$subscription" | tr -d - | cut -c 1-16)
group=terraform-state

# A new subscription knows none of these services yet.
for service in App CognitiveServices ContainerRegistry DBforPostgreSQL KeyVault OperationalInsights Storage; do
    az provider register --namespace "Microsoft.$service" --wait
done

az group create --name $group --location "$region" --output none
az storage account create --name "$account" --resource-group $group --location "$region" --sku Standard_LRS \
    --min-tls-version TLS1_2 --allow-blob-public-access false --allow-shared-key-access false --output none
az storage account blob-service-properties update --account-name "$account" --resource-group $group \
    --enable-versioning true --enable-delete-retention true --delete-retention-days 30 --output none
az role assignment create --role "Storage Blob Data Contributor" --output none \
    --assignee "$(az ad signed-in-user show --query id --output tsv)" \
    --scope "/subscriptions/$subscription/resourceGroups/$group/providers/Microsoft.Storage/storageAccounts/$account"
az storage container-rm create --name state --storage-account "$account" --resource-group $group --output none

cat <<DONE
The state has a place. In this folder, for dev (the role above needs a minute to work):

  export ARM_SUBSCRIPTION_ID=$subscription
  terraform init -backend-config=storage_account_name=$account -backend-config=container_name=state -backend-config=key={= project_slug =}/dev.tfstate
DONE
