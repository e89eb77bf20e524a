# Vertex AI, only where a model is Google Cloud's: a role instead of a key.

locals {
  vertex_ids    = toset([for model in [var.llm.primary, var.llm.fallback] : trimprefix(model, "google-cloud:") if startswith(model, "google-cloud:")])
  vertex_models = length(local.vertex_ids) == 0 ? toset([]) : toset(["vertex"]) # one role for all of them

  model_settings = merge([for _ in local.vertex_models : {
    GOOGLE_CLOUD_PROJECT  = local.project_id
    GOOGLE_CLOUD_LOCATION = "global" # where the newest models are; a region here keeps data in that region
  }]...)
}

# Google has no role for a single model, so this one holds only the call itself.
resource "google_project_iam_custom_role" "model" {
  for_each = local.vertex_models

  role_id     = replace("${local.short}-model", "-", "_")
  title       = "${local.name}: call a model"
  permissions = ["aiplatform.endpoints.predict"]
}

resource "google_project_iam_member" "model" {
  for_each = local.vertex_models

  project = local.project_id
  role    = google_project_iam_custom_role.model[each.key].id
  member  = google_service_account.app.member
}
