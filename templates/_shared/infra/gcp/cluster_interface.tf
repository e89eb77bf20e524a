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
  value       = "gcloud container clusters get-credentials ${google_container_cluster.main.name} --region ${var.region}"
}

output "cluster_settings" {
  description = "What deploy/overlays/<environment>/cloud.yaml and its kustomization.yaml ask for."
  value = {
    identity  = google_service_account.app.email
    project   = local.project_id
    region    = var.region
    cluster   = google_container_cluster.main.name
    store_url = local.store_url
    model     = local.model_settings
  }
}
