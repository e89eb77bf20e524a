# The project's own image registry.

resource "google_artifact_registry_repository" "app" {
  repository_id          = local.name
  location               = var.region
  format                 = "DOCKER"
  cleanup_policy_dry_run = false

  docker_config {
    immutable_tags = true
  }

  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }

  cleanup_policies {
    id     = "keep-30"
    action = "KEEP"

    most_recent_versions {
      keep_count = 30 # that is how far back you can roll
    }
  }

  cleanup_policies {
    id     = "delete-older"
    action = "DELETE"

    condition {
      tag_state = "ANY"
    }
  }

  depends_on = [google_project_service.main]
}
