# What must stay true of the plan, whoever edits it. Offline: `terraform test`.

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

run "database_is_private_and_encrypted" {
  command = plan

  assert {
    condition     = google_sql_database_instance.main.settings[0].ip_configuration[0].ipv4_enabled == false
    error_message = "The database must not have a public address."
  }

  assert {
    condition     = google_sql_database_instance.main.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
    error_message = "The database must refuse connections without TLS."
  }

  assert {
    condition     = google_sql_user.app.password == null && google_secret_manager_secret_version.database.secret_data == null
    error_message = "The password must go through write-only arguments, or it ends up in the state."
  }

  assert {
    condition     = google_sql_database_instance.main.settings[0].backup_configuration[0].enabled
    error_message = "The database must be backed up."
  }

  assert {
    condition     = can(regex("^postgresql://app@[^:]+:5432/app\\?sslmode=require$", local.store_url))
    error_message = "The database address must carry no password and must require TLS."
  }
}

run "documents_are_private" {
  command = plan

  assert {
    condition     = google_storage_bucket.documents.public_access_prevention == "enforced" && google_storage_bucket.documents.uniform_bucket_level_access
    error_message = "Documents must not be public."
  }
}

run "roles_are_few_and_narrow" {
  command = plan

  variables {
    llm = { primary = "google-cloud:gemini-x", fallback = "none", keys = ["GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"] }
  }

  assert {
    condition     = toset([for grant in google_secret_manager_secret_iam_member.app : grant.role]) == toset(["roles/secretmanager.secretAccessor"]) && google_storage_bucket_iam_member.app.role == "roles/storage.objectViewer" && google_artifact_registry_repository_iam_member.publish.role == "roles/artifactregistry.writer"
    error_message = "Roles must be the ones that are needed, on one resource each, never owner, editor or an administrator."
  }

  assert {
    condition     = google_project_iam_custom_role.model["vertex"].permissions == toset(["aiplatform.endpoints.predict"])
    error_message = "The service may call a model, and nothing else of Vertex AI."
  }

  assert {
    condition     = !anytrue([for member in [google_storage_bucket_iam_member.app.member, google_artifact_registry_repository_iam_member.publish.member, google_service_account_iam_member.publish.member] : contains(["allUsers", "allAuthenticatedUsers"], member)])
    error_message = "Nothing may be granted to everybody."
  }

  assert {
    condition     = length(output.provider_secrets) == 0
    error_message = "Vertex AI is reached by role; project and place are no secrets."
  }
}

run "service_without_vertex_has_no_role_on_the_project" {
  command = plan

  assert {
    condition     = length(google_project_iam_member.model) == 0
    error_message = "A service that calls no model of Google Cloud needs no role on the project."
  }
}

run "only_main_of_the_repository_may_publish" {
  command = plan

  assert {
    condition     = google_iam_workload_identity_pool_provider.github.attribute_condition == "assertion.sub == 'repo:octo@1234/contract-search@5678:ref:refs/heads/main'" && endswith(google_service_account_iam_member.publish.member, "/subject/repo:octo@1234/contract-search@5678:ref:refs/heads/main")
    error_message = "Pull requests, other branches and other repositories must not be able to publish."
  }
}

run "budget_warns_before_the_limit" {
  command = plan

  assert {
    condition     = google_billing_budget.monthly.amount[0].specified_amount[0].units == "80" && anytrue([for rule in google_billing_budget.monthly.threshold_rules : rule.threshold_percent < 1])
    error_message = "The budget must exist and warn before it is spent."
  }
}

run "names_stay_legal_at_full_length" {
  command = plan

  variables {
    project = "a23456789-b23456789-c23456789-d23456789e"
  }

  assert {
    condition     = length(var.project) == 40 && alltrue([for account in [google_service_account.app, google_service_account.publish] : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", account.account_id))])
    error_message = "A service account's name has 6 to 30 characters."
  }

  assert {
    condition     = can(regex("^[a-z0-9-]{4,32}$", google_iam_workload_identity_pool.github.workload_identity_pool_id)) && length(google_storage_bucket.documents.name) <= 63
    error_message = "An identity pool allows 32 characters, a bucket 63."
  }
}

run "images_cannot_be_replaced" {
  command = plan

  assert {
    condition     = google_artifact_registry_repository.app.docker_config[0].immutable_tags
    error_message = "Images must be immutable."
  }
}
