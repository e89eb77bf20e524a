# PostgreSQL (with the vector extension available): a private address only,
# encrypted on disk and on the wire.

locals {
  # psycopg takes the password from PGPASSWORD, so it is in no URL and no state.
  # sslmode=require encrypts; it trusts the network for the server's identity.
  store_url = "postgresql://${google_sql_user.app.name}@${google_sql_database_instance.main.private_ip_address}:5432/${google_sql_database.app.name}?sslmode=require"

  password_version = 1 # add 1 and apply: a new password, in the server and in the secret store
}

# Made when it is needed and never kept: neither plan nor state has it.
ephemeral "random_password" "database" {
  length  = 32
  special = false # it also has to fit in a connection string
}

resource "google_sql_database_instance" "main" {
  name                = "${local.short}-db"
  region              = var.region
  database_version    = "POSTGRES_17"
  deletion_protection = local.tier.protect

  settings {
    edition                     = "ENTERPRISE"
    tier                        = local.tier.database_class
    availability_type           = local.tier.database_standby
    disk_type                   = "PD_SSD"
    disk_size                   = 10
    disk_autoresize             = true
    disk_autoresize_limit       = 100
    deletion_protection_enabled = local.tier.protect

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.main.id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = local.tier.protect

      backup_retention_settings {
        retained_backups = local.tier.backups
      }
    }

    # Who came and went, and what waited: enough to understand a bad hour.
    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }

    database_flags {
      name  = "log_connections"
      value = "on"
    }

    database_flags {
      name  = "log_disconnections"
      value = "on"
    }

    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }

    insights_config {
      query_insights_enabled = true
    }
  }

  # Growing by itself must not look like a change.
  lifecycle {
    ignore_changes = [settings[0].disk_size]
  }

  depends_on = [google_service_networking_connection.database]
}

resource "google_sql_database" "app" {
  name     = "app"
  instance = google_sql_database_instance.main.name
}

resource "google_sql_user" "app" {
  name                = "app"
  instance            = google_sql_database_instance.main.name
  password_wo         = ephemeral.random_password.database.result
  password_wo_version = local.password_version
  deletion_policy     = "ABANDON" # it owns the tables; it goes with the instance
}
