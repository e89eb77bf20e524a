# The same names on every cloud.

output "service_url" {
  description = "Where the service answers. With a certificate: point your domain at this name."
  value       = "${var.certificate_id == null ? "http" : "https"}://${aws_lb.main.dns_name}"
}

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

output "log_group" {
  description = "Where the service's logs go."
  value       = aws_cloudwatch_log_group.app.name
}

output "database_host" {
  description = "Reachable only from inside the network."
  value       = aws_db_instance.main.address
}

output "documents_bucket" {
  description = "Where the originals of your documents belong."
  value       = "s3://${aws_s3_bucket.documents.bucket}"
}

output "release" {
  description = "What runs now; the release workflow starts from it."
  value       = var.release
}
