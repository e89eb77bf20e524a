# The originals of your documents, so that the index can be built again from
# them. Private, versioned; an older version goes after 30 days.

resource "google_storage_bucket" "documents" {
  name                        = "${local.short}-documents"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !local.tier.protect

  versioning {
    enabled = true
  }

  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 30
      with_state                 = "ARCHIVED"
    }

    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.main]
}
