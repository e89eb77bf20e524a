# One empty secret for each key that the model providers need and each of
# var.secrets. Terraform makes the place, a person puts the value in
# (infra/README.md); what Terraform writes itself goes through write-only
# arguments. So no state holds a secret.

locals {
  # On Vertex AI project and place are settings (model.tf); access is a role.
  provider_keys = setsubtract(setunion(var.llm.keys, var.secrets), ["GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"])

  # Environment variable -> the secret that holds its value.
  secret_names = merge({ for key in local.provider_keys : key => "${local.name}-${key}" }, { PGPASSWORD = "${local.name}-PGPASSWORD" })
}

resource "google_secret_manager_secret" "main" {
  for_each = local.secret_names

  secret_id           = each.value
  deletion_protection = local.tier.protect

  replication {
    user_managed {
      replicas {
        location = var.region # a key stays in the region that you chose
      }
    }
  }

  depends_on = [google_project_service.main]
}

resource "google_secret_manager_secret_version" "database" {
  secret                 = google_secret_manager_secret.main["PGPASSWORD"].id
  secret_data_wo         = ephemeral.random_password.database.result
  secret_data_wo_version = local.password_version

  # The user first: should it fail, no secret claims a password that nobody has.
  depends_on = [google_sql_user.app]
}
