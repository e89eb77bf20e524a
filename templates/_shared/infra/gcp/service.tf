# The container on Cloud Run: no server to patch, no disk, no public address of
# its own: only the load balancer reaches it.
#
# A revision is one build with one set of settings, named after both. While a
# canary is tried, its revision is the newest and the stable one, which is
# already there, keeps most of the traffic. So change settings or start a
# canary, not both in one apply.

locals {
  port         = 8000
  service_tag  = "service"
  service_apis = ["run"]

  settings = merge(var.settings, {
    APP_LLM__PRIMARY  = var.llm.primary
    APP_LLM__FALLBACK = var.llm.fallback
    APP_STORE__URL    = local.store_url
    APP_API__HOST     = "0.0.0.0"
    APP_LOG__FORMAT   = "json"
  }, local.model_settings)

  newest = coalesce(var.release.canary, var.release.stable)

  # Build -> its revision.
  revisions = { for tag in toset(compact([var.release.stable, var.release.canary])) : tag => "${local.short}-r${substr(sha1(jsonencode([tag, var.llm, var.settings, var.secrets, var.instances, local.password_version])), 0, 10)}" }

  # Revision -> its share of the traffic.
  traffic = var.release.canary == null ? { (local.revisions[var.release.stable]) = 100 } : {
    (local.revisions[var.release.stable]) = 100 - var.release.percent
    (local.revisions[var.release.canary]) = var.release.percent
  }
}

# Model providers are on the internet and are reached through Cloud Run's own way
# out; only private addresses go through this network, so it needs no NAT.
resource "google_compute_subnetwork" "service" {
  name                     = "${local.name}-service"
  network                  = google_compute_network.main.id
  region                   = var.region
  ip_cidr_range            = cidrsubnet(var.network_cidr, 4, 0)
  private_ip_google_access = true # Google's APIs without a public address
}

resource "google_cloud_run_v2_service" "app" {
  name                 = local.short
  location             = var.region
  ingress              = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  default_uri_disabled = true
  invoker_iam_disabled = true # the load balancer carries no identity; the application asks for its own API key
  deletion_protection  = local.tier.protect

  template {
    revision                         = local.revisions[local.newest]
    service_account                  = google_service_account.app.email
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    max_instance_request_concurrency = 20 # requests at a time; more start another copy, as does a busy processor
    timeout                          = "120s"

    scaling {
      min_instance_count = var.instances.min
      max_instance_count = var.instances.max
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = google_compute_network.main.id
        subnetwork = google_compute_subnetwork.service.id
        tags       = [local.service_tag]
      }
    }

    containers {
      name  = "app"
      image = "${google_artifact_registry_repository.app.registry_uri}/app:${local.newest}"

      ports {
        container_port = local.port
      }

      resources {
        limits            = { cpu = "1", memory = "1Gi" }
        cpu_idle          = false # the service also works between requests
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = local.settings

        content {
          name  = env.key
          value = env.value
        }
      }

      # Read by the service's identity when a copy starts; the values pass Terraform by.
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

      startup_probe {
        period_seconds    = 5
        failure_threshold = 12 # it has a minute to start

        http_get {
          path = "/healthz"
          port = local.port
        }
      }

      liveness_probe {
        period_seconds  = 15
        timeout_seconds = 5

        http_get {
          path = "/healthz"
          port = local.port
        }
      }

      volume_mounts {
        name       = "data"
        mount_path = "/data"
      }
    }

    # Scratch space of one copy, in its memory; gone when it stops.
    volumes {
      name = "data"

      empty_dir {
        medium     = "MEMORY"
        size_limit = "256Mi"
      }
    }
  }

  dynamic "traffic" {
    for_each = local.traffic

    content {
      type     = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
      revision = traffic.key
      percent  = traffic.value
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.app, google_secret_manager_secret_version.database]
}

# What its logs are, and what somebody should look at; observability.tf makes the sink and the alarms.
locals {
  service_filter = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${google_cloud_run_v2_service.app.name}\""

  service_alarms = {
    errors = {
      description = "More than 10 failed answers (5xx) in 5 minutes"
      filter      = "${local.service_filter} AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"5xx\""
      aligner     = "ALIGN_DELTA"
      reducer     = "REDUCE_SUM"
      threshold   = 10
    }
    latency = {
      description = "One answer in twenty takes longer than 20 seconds"
      filter      = "${local.service_filter} AND metric.type = \"run.googleapis.com/request_latencies\""
      aligner     = "ALIGN_PERCENTILE_95"
      reducer     = "REDUCE_MAX"
      threshold   = 20000
    }
  }
}
