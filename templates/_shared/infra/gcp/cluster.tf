# The cluster: GKE Autopilot, in which Google looks after the nodes and bills what
# the pods ask for. The nodes have private addresses only; what is on the internet
# (model providers) is reached through NAT. What runs in it is deploy/.

locals {
  service_apis   = ["container"]
  service_filter = "resource.type = \"k8s_container\" AND resource.labels.cluster_name = \"${google_container_cluster.main.name}\" AND resource.labels.namespace_name = \"${local.name}\""

  # The service's alarms are Prometheus's (monitoring/).
  service_alarms = {}
}

resource "google_compute_subnetwork" "service" {
  name                     = "${local.name}-service"
  network                  = google_compute_network.main.id
  region                   = var.region
  ip_cidr_range            = cidrsubnet(var.network_cidr, 4, 0)
  private_ip_google_access = true # Google's APIs without a public address

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = cidrsubnet(var.network_cidr, 4, 1)
  }

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = cidrsubnet(var.network_cidr, 2, 1)
  }
}

resource "google_compute_router" "main" {
  name    = local.name
  network = google_compute_network.main.id
  region  = var.region
}

resource "google_compute_router_nat" "main" {
  name                               = local.name
  router                             = google_compute_router.main.name
  region                             = var.region
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.service.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }
}

resource "google_container_cluster" "main" {
  name                = local.short
  location            = var.region
  network             = google_compute_network.main.id
  subnetwork          = google_compute_subnetwork.service.id
  enable_autopilot    = true
  deletion_protection = local.tier.protect

  release_channel {
    channel = "REGULAR"
  }

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = false # for your kubectl, from allowed_cidrs only
  }

  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled = false

    dynamic "cidr_blocks" {
      for_each = toset(var.allowed_cidrs)

      content {
        cidr_block = cidr_blocks.value
      }
    }
  }

  cluster_autoscaling {
    auto_provisioning_defaults {
      service_account = google_service_account.node.email
    }
  }

  depends_on = [google_project_iam_member.node, google_compute_router_nat.main]
}
