# Every wrong input is refused with a message, before anything is planned.

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

run "good_inputs_pass" {
  command = plan
}

run "project_too_long" {
  command         = plan
  expect_failures = [var.project]
  variables { project = "a2345678901234567890123456789012345678901" }
}

run "project_with_double_hyphen" {
  command         = plan
  expect_failures = [var.project]
  variables { project = "contract--search" }
}

run "unknown_environment" {
  command         = plan
  expect_failures = [var.environment]
  variables { environment = "staging" }
}

run "region_that_does_not_exist" {
  command         = plan
  expect_failures = [var.region]
  variables { region = "europe-west99" }
}

run "region_is_no_zone" {
  command         = plan
  expect_failures = [var.region]
  variables { region = "europe-west1-b" }
}

run "network_too_small" {
  command         = plan
  expect_failures = [var.network_cidr]
  variables { network_cidr = "10.0.0.0/24" }
}

run "network_not_an_address" {
  command         = plan
  expect_failures = [var.network_cidr]
  variables { network_cidr = "10.0.0.0" }
}

run "network_overlaps_a_reserved_range" {
  command         = plan
  expect_failures = [var.network_cidr]
  variables { network_cidr = "169.254.64.0/20" }
}

run "nobody_allowed" {
  command         = plan
  expect_failures = [var.allowed_cidrs]
  variables { allowed_cidrs = [] }
}

run "model_without_provider" {
  command         = plan
  expect_failures = [var.llm]
  variables { llm = { primary = "gpt-x", fallback = "none", keys = [] } }
}

run "key_value_instead_of_its_name" {
  command         = plan
  expect_failures = [var.llm]
  variables { llm = { primary = "openai:gpt-x", fallback = "none", keys = ["sk-something"] } }
}

run "budget_of_zero" {
  command         = plan
  expect_failures = [var.monthly_budget]
  variables { monthly_budget = 0 }
}

run "secret_that_is_a_value" {
  command         = plan
  expect_failures = [var.secrets]
  variables { secrets = ["sk-something"] }
}

run "alert_to_nobody" {
  command         = plan
  expect_failures = [var.alert_email]
  variables { alert_email = "nobody" }
}

run "any_repository" {
  command         = plan
  expect_failures = [var.repository]
  variables { repository = "octo/*" }
}
