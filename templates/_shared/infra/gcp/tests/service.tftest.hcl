# What must stay true of the service that runs without a cluster. Offline: `terraform test`.

mock_provider "google" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project        = "contract-search"
  environment    = "dev"
  region         = "europe-west1"
  allowed_cidrs  = ["203.0.113.7/32"]
  release        = { stable = "3f9c2d1" }
  monthly_budget = 80
  alert_email    = "you@example.com"
  repository     = "octo@1234/contract-search@5678"
  llm            = { primary = "openai:gpt-x", fallback = "none", keys = ["OPENAI_API_KEY"] }
}

run "service_is_behind_the_load_balancer" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.app.ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" && google_cloud_run_v2_service.app.default_uri_disabled
    error_message = "Only the load balancer may reach the service."
  }

  assert {
    condition     = anytrue([for rule in google_compute_security_policy.door.rule : rule.priority == 2147483647 && rule.action == "deny(403)"]) && [for rule in google_compute_security_policy.door.rule : rule.match[0].config[0].src_ip_ranges if rule.action == "allow"] == [toset(["203.0.113.7/32"])]
    error_message = "Only allowed_cidrs may pass the load balancer."
  }

  assert {
    condition     = google_cloud_run_v2_service.app.template[0].containers[0].startup_probe[0].period_seconds * google_cloud_run_v2_service.app.template[0].containers[0].startup_probe[0].failure_threshold >= 30
    error_message = "A cold start takes seconds; give it at least 30."
  }

  assert {
    condition     = google_compute_firewall.service_to_database.destination_ranges == toset(["10.20.128.0/17"]) && length(google_compute_firewall.nothing_else_out.deny) == 1 && length(google_compute_firewall.nothing_in.deny) == 1
    error_message = "Within the network the service may reach the database; nothing reaches the service."
  }
}

run "secrets_travel_as_references" {
  command = plan

  assert {
    condition     = toset([for e in google_cloud_run_v2_service.app.template[0].containers[0].env : e.name if length(e.value_source) > 0]) == toset(["OPENAI_API_KEY", "PGPASSWORD"])
    error_message = "Every provider key and the database password must come from the secret store."
  }

  assert {
    condition     = alltrue([for e in google_cloud_run_v2_service.app.template[0].containers[0].env : !strcontains(e.name, "KEY") && !strcontains(e.name, "PASSWORD") if length(e.value_source) == 0])
    error_message = "A key or password must not be a plain environment variable."
  }
}

run "own_settings_and_secrets_reach_the_service" {
  command = plan

  variables {
    settings = { APP_LOG__LEVEL = "DEBUG", APP_STORE__URL = "sqlite:///lost.db" }
    secrets  = ["APP_MAIL__PASSWORD"]
  }

  assert {
    condition     = contains([for e in google_cloud_run_v2_service.app.template[0].containers[0].env : e.value if e.name == "APP_LOG__LEVEL"], "DEBUG") && !contains(compact(google_cloud_run_v2_service.app.template[0].containers[0].env[*].value), "sqlite:///lost.db")
    error_message = "A setting of one's own must reach the service, and none may replace what the module sets."
  }

  assert {
    condition     = contains([for e in google_cloud_run_v2_service.app.template[0].containers[0].env : e.name if length(e.value_source) > 0], "APP_MAIL__PASSWORD")
    error_message = "A secret of one's own must come from the secret store."
  }
}

run "canary_gets_its_share" {
  command = plan

  variables {
    release = { stable = "3f9c2d1", canary = "4a8b1c0", percent = 20 }
  }

  assert {
    condition     = local.traffic[local.revisions["3f9c2d1"]] == 80 && local.traffic[local.revisions["4a8b1c0"]] == 20 && endswith(google_cloud_run_v2_service.app.template[0].containers[0].image, ":4a8b1c0")
    error_message = "The canary must be the newest revision and get its percentage, the stable build the rest."
  }
}

run "certificate_turns_http_into_a_redirect" {
  command = plan

  variables {
    environment    = "prod"
    allowed_cidrs  = ["0.0.0.0/0"]
    certificate_id = "projects/p/global/sslCertificates/c"
  }

  override_resource {
    target          = google_compute_url_map.redirect
    override_during = plan
    values          = { id = "redirect" }
  }

  assert {
    condition     = google_compute_url_map.redirect["https"].default_url_redirect[0].https_redirect && google_compute_target_http_proxy.http.url_map == "redirect"
    error_message = "With a certificate plain HTTP must only redirect."
  }

  assert {
    condition     = google_compute_ssl_policy.modern["https"].min_tls_version == "TLS_1_2"
    error_message = "TLS must be 1.2 at least."
  }

  assert {
    condition     = google_sql_database_instance.main.deletion_protection && google_sql_database_instance.main.settings[0].availability_type == "REGIONAL" && google_cloud_run_v2_service.app.deletion_protection
    error_message = "prod must be protected from deletion and survive the loss of a zone."
  }
}

run "names_of_the_service_stay_legal_at_full_length" {
  command = plan

  variables {
    project = "a23456789-b23456789-c23456789-d23456789e"
  }

  assert {
    condition     = can(regex("^[a-z][a-z0-9-]{0,47}[a-z0-9]$", google_cloud_run_v2_service.app.name)) && alltrue([for name in values(local.revisions) : length(name) <= 63])
    error_message = "Cloud Run allows 49 characters, a revision 63."
  }
}
