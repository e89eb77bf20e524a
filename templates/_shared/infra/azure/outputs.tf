# The same names on every cloud.

output "registry_url" {
  description = "Push images here."
  value       = "${azurerm_container_registry.app.login_server}/app"
}

output "publish_identity" {
  description = "What GitHub's release workflow becomes: repository variable PUBLISH_IDENTITY."
  value       = azurerm_user_assigned_identity.publish.client_id
}

output "provider_secrets" {
  description = "Environment variable -> the secret that awaits its value."
  value       = { for key, secret in local.provider_secrets : key => "${azurerm_key_vault.main.name}/${secret}" }
}

output "database_host" {
  description = "Reachable only from inside the network."
  value       = azurerm_postgresql_flexible_server.main.fqdn
}

output "documents_bucket" {
  description = "Where the originals of your documents belong."
  value       = "${azurerm_storage_account.documents.primary_blob_endpoint}${azurerm_storage_container.documents.name}"
}
