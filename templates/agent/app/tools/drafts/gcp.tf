terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 8.7, < 9"
    }
  }
}

variable "name" {
  description = "Prefix of every resource's name"
  type        = string
}

variable "region" {
  description = "Region"
  type        = string
}

# --- bucket
resource "google_storage_bucket" "main" {
  name                        = "${var.name}-data"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }
}

# --- database
variable "network" {
  description = "Self link of the VPC network that the database is in"
  type        = string
}

resource "google_sql_database_instance" "main" {
  name                = "${var.name}-db"
  region              = var.region
  database_version    = "POSTGRES_16"
  deletion_protection = true

  settings {
    tier = "db-f1-micro"

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }
  }
}

# --- queue
resource "google_cloud_tasks_queue" "main" {
  name     = "${var.name}-jobs"
  location = var.region

  retry_config {
    max_attempts = 5
  }
}

# --- topic
resource "google_pubsub_topic" "main" {
  name                       = "${var.name}-events"
  message_retention_duration = "604800s"
}

# --- secret
resource "google_secret_manager_secret" "main" {
  secret_id = "${var.name}-secret"

  replication {
    auto {}
  }
}

# --- registry
resource "google_artifact_registry_repository" "main" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"

  docker_config {
    immutable_tags = true
  }
}
