# Who the nodes are, and how the pods of the one service account `app` become the
# identity of the same name (identity.tf): the cluster vouches for them.

resource "google_service_account" "node" {
  account_id   = "${local.short}-node"
  display_name = "${local.name}: the cluster's nodes"
}

# Logs and metrics, nothing else.
resource "google_project_iam_member" "node" {
  project = local.project_id
  role    = "roles/container.defaultNodeServiceAccount"
  member  = google_service_account.node.member
}

resource "google_artifact_registry_repository_iam_member" "node" {
  repository = google_artifact_registry_repository.app.id
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.node.member
}

resource "google_service_account_iam_member" "app" {
  service_account_id = google_service_account.app.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${local.project_id}.svc.id.goog[${local.name}/app]"
  depends_on         = [google_container_cluster.main] # it brings the pool of such identities
}
