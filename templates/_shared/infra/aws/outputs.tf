# The same names on every cloud.

output "registry_url" {
  description = "Push images here."
  value       = aws_ecr_repository.app.repository_url
}

output "publish_identity" {
  description = "What GitHub's release workflow becomes: repository variable PUBLISH_IDENTITY."
  value       = aws_iam_role.publish.arn
}

output "provider_secrets" {
  description = "Environment variable -> the secret that awaits its value."
  value       = { for key, secret in aws_secretsmanager_secret.provider : key => secret.name }
}

output "database_host" {
  description = "Reachable only from inside the network."
  value       = aws_db_instance.main.address
}

output "documents_bucket" {
  description = "Where the originals of your documents belong."
  value       = "s3://${aws_s3_bucket.documents.bucket}"
}
