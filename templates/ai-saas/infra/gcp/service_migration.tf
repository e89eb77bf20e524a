# `app migrate` of the newest build, as a job of its own: it runs before any copy of that build (migrate.sh).

resource "google_cloud_run_v2_job" "migration" {
  name                = "${local.short}-migrate"
  location            = var.region
  deletion_protection = false # it holds nothing

  template {
    template {
      service_account       = google_service_account.app.email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = "1800s"
      max_retries           = 0

      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"

        network_interfaces {
          network    = google_compute_network.main.id
          subnetwork = google_compute_subnetwork.service.id
          tags       = [local.service_tag]
        }
      }

      containers {
        name    = "migrate"
        image   = "${google_artifact_registry_repository.app.registry_uri}/app:${local.newest}"
        command = ["app", "migrate"]

        resources {
          limits = { cpu = "1", memory = "1Gi" }
        }

        dynamic "env" {
          for_each = local.settings

          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "env" {
          for_each = google_secret_manager_secret.main

          content {
            name = env.key

            value_source {
              secret_key_ref {
                secret  = env.value.secret_id
                version = "latest"
              }
            }
          }
        }

        volume_mounts {
          name       = "data"
          mount_path = "/data"
        }
      }

      volumes {
        name = "data"

        empty_dir {
          medium     = "MEMORY"
          size_limit = "256Mi"
        }
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.app, google_secret_manager_secret_version.database]
}

# The name by which a release brings up to date what the job needs, and nothing of the service:
# terraform apply -target=terraform_data.migration
resource "terraform_data" "migration" {
  input = {
    project = google_cloud_run_v2_job.migration.project
    region  = var.region
    job     = google_cloud_run_v2_job.migration.name
    image   = google_cloud_run_v2_job.migration.template[0].template[0].containers[0].image
  }

  depends_on = [
    google_compute_firewall.nothing_else_out,
    google_compute_firewall.service_to_database,
    google_sql_database.app,
    google_sql_user.app,
  ]
}

output "migration" {
  description = "Where migrate.sh runs the migrations of the newest build."
  value       = terraform_data.migration.output
}
