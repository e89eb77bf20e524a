# Stand-ins for what Google Cloud would answer, so that `terraform test` needs no account.
# Only what the assertions read has a fixed value.

mock_data "google_client_config" {
  defaults = { project = "demo-project-1" }
}

mock_data "google_project" {
  defaults = { project_id = "demo-project-1", number = "123456789012", billing_account = "000000-000000-000000" }
}

mock_resource "google_service_account" {
  defaults = { email = "app@demo-project-1.iam.gserviceaccount.com", member = "serviceAccount:app@demo-project-1.iam.gserviceaccount.com" }
}

mock_resource "google_artifact_registry_repository" {
  defaults = { registry_uri = "europe-west1-docker.pkg.dev/demo-project-1/app" }
}

mock_resource "google_sql_database_instance" {
  defaults = { private_ip_address = "10.20.128.3" }
}

mock_resource "google_iam_workload_identity_pool" {
  defaults = { name = "projects/123456789012/locations/global/workloadIdentityPools/app" }
}
