# Who may talk to whom: allowed addresses -> load balancer -> service -> database.

# At the door: the addresses you named, nobody else.
resource "google_compute_security_policy" "door" {
  name = local.name

  rule {
    description = "allowed_cidrs"
    action      = "allow"
    priority    = 1000

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = var.allowed_cidrs
      }
    }
  }

  rule {
    description = "Everybody else"
    action      = "deny(403)"
    priority    = 2147483647 # the lowest, which every policy must have

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }
  }

  depends_on = [google_project_service.main]
}

# In the network: the service reaches PostgreSQL; nothing reaches the service.
resource "google_compute_firewall" "service_to_database" {
  name               = "${local.name}-service-to-database"
  description        = "PostgreSQL"
  network            = google_compute_network.main.id
  direction          = "EGRESS"
  priority           = 1000
  target_tags        = [local.service_tag]
  destination_ranges = [local.database_range]

  allow {
    protocol = "tcp"
    ports    = ["5432"]
  }
}

resource "google_compute_firewall" "nothing_else_out" {
  name               = "${local.name}-nothing-else-out"
  description        = "Everything that is not named above"
  network            = google_compute_network.main.id
  direction          = "EGRESS"
  priority           = 65000
  target_tags        = [local.service_tag]
  destination_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }
}

resource "google_compute_firewall" "nothing_in" {
  name          = "${local.name}-nothing-in"
  description   = "The load balancer reaches Cloud Run outside this network, so nothing has to come in"
  network       = google_compute_network.main.id
  direction     = "INGRESS"
  priority      = 65000
  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }
}
