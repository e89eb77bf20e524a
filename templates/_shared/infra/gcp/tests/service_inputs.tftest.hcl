# The same for what only the running service has (service_interface.tf).

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
  repository     = "octo/contract-search"
  llm            = { primary = "openai:gpt-x", fallback = "none", keys = ["OPENAI_API_KEY"] }
}

run "open_to_the_world_without_a_certificate" {
  command         = plan
  expect_failures = [var.allowed_cidrs]
  variables { allowed_cidrs = ["0.0.0.0/0"] }
}

run "prod_without_a_certificate" {
  command         = plan
  expect_failures = [var.certificate_id]
  variables { environment = "prod" }
}

run "certificate_that_is_not_global" {
  command         = plan
  expect_failures = [var.certificate_id]
  variables { certificate_id = "projects/p/regions/europe-west1/sslCertificates/c" }
}

run "more_addresses_than_one_rule_takes" {
  command         = plan
  expect_failures = [var.allowed_cidrs]
  variables { allowed_cidrs = [for i in range(11) : "203.0.113.${i}/32"] }
}

run "moving_image_tag" {
  command         = plan
  expect_failures = [var.release]
  variables { release = { stable = "latest" } }
}

run "canary_is_the_stable_build" {
  command         = plan
  expect_failures = [var.release]
  variables { release = { stable = "3f9c2d1", canary = "3f9c2d1" } }
}

run "canary_gets_almost_everything" {
  command         = plan
  expect_failures = [var.release]
  variables { release = { stable = "3f9c2d1", canary = "4a8b1c0", percent = 90 } }
}

run "setting_of_something_else" {
  command         = plan
  expect_failures = [var.settings]
  variables { settings = { PGPASSWORD = "x" } }
}

run "setting_that_is_a_secret" {
  command         = plan
  expect_failures = [var.settings]
  variables { settings = { APP_MAIL__PASSWORD = "x" } }
}

run "max_below_min" {
  command         = plan
  expect_failures = [var.instances]
  variables { instances = { min = 3, max = 2 } }
}
