# One network of our own. The service has a subnet in it, the database a range
# that Google peers with it ("private services access"): no machine here has a
# public address.

resource "google_compute_network" "main" {
  name                    = local.name
  auto_create_subnetworks = false
  depends_on              = [google_project_service.main]
}

# The upper half of the network's range.
resource "google_compute_global_address" "database" {
  name          = "${local.name}-database"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  network       = google_compute_network.main.id
  address       = cidrhost(local.database_range, 0)
  prefix_length = tonumber(split("/", local.database_range)[1])
}

resource "google_service_networking_connection" "database" {
  network                 = google_compute_network.main.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.database.name]
  deletion_policy         = local.tier.protect ? null : "ABANDON" # Google frees it some time after the database
}

locals {
  database_range = cidrsubnet(var.network_cidr, 1, 1)
}
