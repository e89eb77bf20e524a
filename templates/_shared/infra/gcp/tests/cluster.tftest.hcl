# What must stay true of the cluster. Offline: `terraform test`.

mock_provider "google" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project        = "contract-search"
  environment    = "dev"
  region         = "europe-west1"
  allowed_cidrs  = ["203.0.113.7/32"]
  monthly_budget = 80
  alert_email    = "you@example.com"
  repository     = "octo@1234/contract-search@5678"
  llm            = { primary = "openai:gpt-x", fallback = "none", keys = ["OPENAI_API_KEY"] }
}

override_resource {
  target          = google_compute_subnetwork.service
  override_during = plan
  values          = { id = "service-subnet" }
}

run "nodes_and_api_are_private" {
  command = plan

  assert {
    condition     = google_container_cluster.main.private_cluster_config[0].enable_private_nodes && google_container_cluster.main.subnetwork == "service-subnet"
    error_message = "Nodes must run inside the network, without public addresses."
  }

  assert {
    condition     = google_container_cluster.main.master_authorized_networks_config[0].cidr_blocks[*].cidr_block == tolist(["203.0.113.7/32"]) && google_container_cluster.main.master_authorized_networks_config[0].gcp_public_cidrs_access_enabled == false
    error_message = "Only allowed_cidrs may reach the cluster's API, not every machine at Google."
  }

  assert {
    condition     = google_container_cluster.main.enable_autopilot && google_container_cluster.main.release_channel[0].channel == "REGULAR"
    error_message = "Google must look after the nodes and the version."
  }
}

run "pods_get_the_identity_of_their_service_account_only" {
  command = plan

  assert {
    condition     = google_service_account_iam_member.app.role == "roles/iam.workloadIdentityUser" && google_service_account_iam_member.app.member == "serviceAccount:demo-project-1.svc.id.goog[contract-search-dev/app]"
    error_message = "Only the service account `app` of this environment's namespace may become the identity."
  }

  assert {
    condition     = google_project_iam_member.node.role == "roles/container.defaultNodeServiceAccount" && google_artifact_registry_repository_iam_member.node.role == "roles/artifactregistry.reader"
    error_message = "Nodes may write logs and pull images, nothing else: never owner or editor."
  }

  assert {
    condition     = google_container_cluster.main.cluster_autoscaling[0].auto_provisioning_defaults[0].service_account == google_service_account.node.email
    error_message = "Nodes must not run as the project's default account, which may edit everything."
  }
}

run "ranges_do_not_overlap" {
  command = plan

  assert {
    condition     = google_compute_subnetwork.service.ip_cidr_range == "10.20.0.0/20" && google_compute_subnetwork.service.secondary_ip_range[*].ip_cidr_range == tolist(["10.20.16.0/20", "10.20.64.0/18"]) && local.database_range == "10.20.128.0/17"
    error_message = "Nodes, services, pods and the database need ranges of their own."
  }
}

run "prod_is_protected" {
  command = plan

  variables {
    environment = "prod"
  }

  assert {
    condition     = google_container_cluster.main.deletion_protection && google_sql_database_instance.main.deletion_protection && google_sql_database_instance.main.settings[0].availability_type == "REGIONAL"
    error_message = "prod must be protected from deletion and survive the loss of a zone."
  }
}

run "names_of_the_cluster_stay_legal_at_full_length" {
  command = plan

  variables {
    project = "a23456789-b23456789-c23456789-d23456789e"
  }

  assert {
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", google_container_cluster.main.name)) && can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", google_service_account.node.account_id))
    error_message = "GKE allows 40 characters, a service account 30."
  }
}

run "api_open_to_the_world" {
  command         = plan
  expect_failures = [var.allowed_cidrs]
  variables { allowed_cidrs = ["203.0.113.7/32", "0.0.0.0/0"] }
}

run "api_open_to_half_the_world" {
  command         = plan
  expect_failures = [var.allowed_cidrs]
  variables { allowed_cidrs = ["128.0.0.0/1"] }
}
