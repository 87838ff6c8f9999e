#!/usr/bin/env bash
# The recipe that patchctl automates, step by step with az 2.91 or later; docs/sandbox.md says what
# had to be corrected in it. It needs a shell that is signed in, and an address for the mails:
#
#   bash examples/recipe-az.sh you@example.com
#
# Maintenance is called by `az rest`, because `az maintenance` is an extension.
set -euo pipefail

EMAIL_ADDRESS=${1:?an e-mail address is wanted}

# Preparation
RANDOM_SUFFIX=$(openssl rand -hex 3)
RESOURCE_GROUP="rg-patching-demo-${RANDOM_SUFFIX}"
LOCATION="eastus"
SUBSCRIPTION_ID=$(az account show --query id --output tsv)
VM_NAME="vm-demo-${RANDOM_SUFFIX}"
ACTION_GROUP_NAME="ag-patching-${RANDOM_SUFFIX}"
MAINTENANCE_CONFIG_NAME="mc-weekly-patches-${RANDOM_SUFFIX}"
ASSIGNMENT_NAME="assign-${MAINTENANCE_CONFIG_NAME}"
ADMIN_PASSWORD="$(openssl rand -base64 24)aA1!"
NEXT_SATURDAY=$(python3 -c 'import datetime as d; t = d.date.today(); print(t + d.timedelta((5 - t.weekday()) % 7 or 7))')

for namespace in Microsoft.Compute Microsoft.Network Microsoft.Maintenance Microsoft.Insights; do
  az provider register --namespace "${namespace}" --wait
done

az group create \
  --name "${RESOURCE_GROUP}" \
  --location "${LOCATION}" \
  --tags purpose=recipe environment=demo

# 1. A machine to patch: no public address, nothing open to the internet
az vm create \
  --resource-group "${RESOURCE_GROUP}" \
  --name "${VM_NAME}" \
  --image Win2022Datacenter \
  --admin-username azureuser \
  --admin-password "${ADMIN_PASSWORD}" \
  --size Standard_B2s \
  --location "${LOCATION}" \
  --patch-mode AutomaticByPlatform \
  --nsg-rule NONE \
  --public-ip-address "" \
  --tags purpose=patching-demo

# The object as a whole, because az cannot set a member of what is not there yet
az vm update \
  --resource-group "${RESOURCE_GROUP}" \
  --name "${VM_NAME}" \
  --set 'osProfile.windowsConfiguration.patchSettings.automaticByPlatformSettings={"bypassPlatformSafetyChecksOnUserSchedule": true}'

VM_ID=$(az vm show --resource-group "${RESOURCE_GROUP}" --name "${VM_NAME}" --query id --output tsv)

# 2. Who gets the mails
az monitor action-group create \
  --resource-group "${RESOURCE_GROUP}" \
  --name "${ACTION_GROUP_NAME}" \
  --short-name PatchAlert \
  --action email email1 "${EMAIL_ADDRESS}" usecommonalertschema

ACTION_GROUP_ID=$(az monitor action-group show \
  --resource-group "${RESOURCE_GROUP}" \
  --name "${ACTION_GROUP_NAME}" \
  --query id --output tsv)

# 3. When to patch, and what
GROUP_ID="/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/${RESOURCE_GROUP}"
MAINTENANCE_CONFIG_ID="${GROUP_ID}/providers/Microsoft.Maintenance/maintenanceConfigurations/${MAINTENANCE_CONFIG_NAME}"

az rest --method put --url "${MAINTENANCE_CONFIG_ID}?api-version=2023-04-01" --body '{
  "location": "'"${LOCATION}"'",
  "properties": {
    "maintenanceScope": "InGuestPatch",
    "extensionProperties": {"InGuestPatchMode": "User"},
    "maintenanceWindow": {
      "startDateTime": "'"${NEXT_SATURDAY}"' 02:00",
      "duration": "02:00",
      "timeZone": "Eastern Standard Time",
      "recurEvery": "1Week Saturday"
    },
    "installPatches": {
      "rebootSetting": "IfRequired",
      "windowsParameters": {"classificationsToInclude": ["Critical", "Security", "Updates"]}
    }
  }
}'

# 4. The machine gets the schedule
ASSIGNMENT_ID="${VM_ID}/providers/Microsoft.Maintenance/configurationAssignments/${ASSIGNMENT_NAME}"

az rest --method put --url "${ASSIGNMENT_ID}?api-version=2023-04-01" --body '{
  "location": "'"${LOCATION}"'",
  "properties": {"maintenanceConfigurationId": "'"${MAINTENANCE_CONFIG_ID}"'"}
}'

# 5. Mail about changes of the schedule
az monitor activity-log alert create \
  --resource-group "${RESOURCE_GROUP}" \
  --name "Patch-Deployment-Activity-${RANDOM_SUFFIX}" \
  --scope "${GROUP_ID}" \
  --condition category=Administrative and operationName=Microsoft.Maintenance/maintenanceConfigurations/write \
  --action-group "${ACTION_GROUP_ID}" \
  --description "Alert when patch deployment maintenance operations occur"

az monitor activity-log alert create \
  --resource-group "${RESOURCE_GROUP}" \
  --name "Maintenance-Assignment-Alert-${RANDOM_SUFFIX}" \
  --scope "${GROUP_ID}" \
  --condition category=Administrative and operationName=Microsoft.Maintenance/configurationAssignments/write \
  --action-group "${ACTION_GROUP_ID}" \
  --description "Alert when maintenance assignments are created or updated"

# 6. Look for updates, now and periodically
az vm update \
  --resource-group "${RESOURCE_GROUP}" \
  --name "${VM_NAME}" \
  --set osProfile.windowsConfiguration.patchSettings.assessmentMode=AutomaticByPlatform

az vm assess-patches --resource-group "${RESOURCE_GROUP}" --name "${VM_NAME}"

# Validation
az vm show \
  --resource-group "${RESOURCE_GROUP}" \
  --name "${VM_NAME}" \
  --query osProfile.windowsConfiguration.patchSettings

az rest --method get --url "${VM_ID}/providers/Microsoft.Maintenance/configurationAssignments?api-version=2023-04-01"

az monitor action-group test-notifications create \
  --resource-group "${RESOURCE_GROUP}" \
  --action-group-name "${ACTION_GROUP_NAME}" \
  --alert-type servicehealth \
  --add-action email email1 "${EMAIL_ADDRESS}"

az vm get-instance-view \
  --resource-group "${RESOURCE_GROUP}" \
  --name "${VM_NAME}" \
  --query instanceView.patchStatus

# Cleanup
for alert in "Patch-Deployment-Activity-${RANDOM_SUFFIX}" "Maintenance-Assignment-Alert-${RANDOM_SUFFIX}"; do
  az monitor activity-log alert delete --resource-group "${RESOURCE_GROUP}" --name "${alert}"
done

az rest --method delete --url "${ASSIGNMENT_ID}?api-version=2023-04-01"

az group delete --name "${RESOURCE_GROUP}" --yes --no-wait
az group wait --name "${RESOURCE_GROUP}" --deleted --interval 5

# Nothing is left
az group exists --name "${RESOURCE_GROUP}"
