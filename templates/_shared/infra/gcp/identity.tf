# Two identities, each with only what it needs, and no key for either:
#   app      is the service: reads its own secrets and documents, calls its models
#   publish  is GitHub on the main branch: pushes images, nothing else

resource "google_service_account" "app" {
  account_id   = local.short
  display_name = "${local.name}: the service"
}

resource "google_service_account" "publish" {
  account_id   = "${local.short}-pub"
  display_name = "${local.name}: GitHub, pushing images"
}

resource "google_secret_manager_secret_iam_member" "app" {
  for_each = google_secret_manager_secret.main

  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.app.member
}

resource "google_storage_bucket_iam_member" "app" {
  bucket = google_storage_bucket.documents.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.app.member
}

resource "google_artifact_registry_repository_iam_member" "publish" {
  repository = google_artifact_registry_repository.app.id
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.publish.member
}

# GitHub proves who it is with a short-lived token, so no key is stored there.
resource "google_iam_workload_identity_pool" "github" {
  workload_identity_pool_id = local.short
  display_name              = "GitHub"
  depends_on                = [google_project_service.main]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "Main branch of the repository"
  attribute_mapping                  = { "google.subject" = "assertion.sub" }

  # Every repository on GitHub gets tokens from this issuer; this is what shuts the others out.
  attribute_condition = "assertion.sub == 'repo:${var.repository}:ref:refs/heads/main'"

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "publish" {
  service_account_id = google_service_account.publish.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.github.name}/subject/repo:${var.repository}:ref:refs/heads/main"
}
