# What you set for the cluster, and what it tells; the rest is in variables.tf and
# outputs.tf.

variable "allowed_cidrs" {
  description = "Addresses that may reach the cluster's API. Start with your own: \"<your address>/32\"."
  type        = list(string)

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(cidrnetmask(cidr))])
    error_message = "allowed_cidrs needs at least one IPv4 range, for example [\"203.0.113.7/32\"]."
  }

  validation {
    condition     = alltrue([for cidr in var.allowed_cidrs : try(tonumber(split("/", cidr)[1]) >= 16, true)])
    error_message = "allowed_cidrs would open the cluster's API to a large part of the internet: name ranges of /16 or smaller, such as your own address. Who may reach the service is deploy/'s business."
  }
}

output "cluster_credentials" {
  description = "The command that tells kubectl about the cluster."
  value       = "aws eks update-kubeconfig --region ${var.region} --name ${aws_eks_cluster.main.name}"
}

output "cluster_settings" {
  description = "What deploy/overlays/<environment>/cloud.yaml and its kustomization.yaml ask for."
  value = {
    identity        = aws_iam_role.task.arn
    region          = var.region
    database_secret = local.database_secret
    store_url       = local.store_url
  }
}

output "log_group" {
  description = "Where the cluster's audit log goes; the service's logs are read with kubectl."
  value       = aws_cloudwatch_log_group.app.name
}
