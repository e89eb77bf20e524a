# The same names on every cloud.

output "registry_url" {
  description = "Push images here."
  value       = "${google_artifact_registry_repository.app.registry_uri}/app"
}

output "publish_identity" {
  description = "What GitHub's release workflow becomes: repository variable PUBLISH_IDENTITY."
  value       = google_service_account.publish.email
}

output "provider_secrets" {
  description = "Environment variable -> the secret that awaits its value."
  value       = { for key in local.provider_keys : key => google_secret_manager_secret.main[key].secret_id }
}

output "log_group" {
  description = "Where the service's logs go."
  value       = google_logging_project_bucket_config.app.id
}

output "database_host" {
  description = "Reachable only from inside the network."
  value       = google_sql_database_instance.main.private_ip_address
}

output "documents_bucket" {
  description = "Where the originals of your documents belong."
  value       = google_storage_bucket.documents.url
}
