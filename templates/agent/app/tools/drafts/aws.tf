terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0, < 7"
    }
  }
}

variable "name" {
  description = "Prefix of every resource's name"
  type        = string
}

# --- bucket
resource "aws_s3_bucket" "main" {
  bucket = "${var.name}-data"
}

resource "aws_s3_bucket_public_access_block" "main" {
  bucket                  = aws_s3_bucket.main.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "main" {
  bucket = aws_s3_bucket.main.id
  versioning_configuration {
    status = "Enabled"
  }
}

# --- database
resource "aws_db_instance" "main" {
  identifier                  = "${var.name}-db"
  engine                      = "postgres"
  instance_class              = "db.t4g.micro"
  allocated_storage           = 20
  username                    = "app"
  manage_master_user_password = true
  storage_encrypted           = true
  publicly_accessible         = false
  backup_retention_period     = 7
  deletion_protection         = true
  final_snapshot_identifier   = "${var.name}-db-final"
}

# --- queue
resource "aws_sqs_queue" "dead" {
  name                    = "${var.name}-dead"
  sqs_managed_sse_enabled = true
}

resource "aws_sqs_queue" "main" {
  name                    = "${var.name}-jobs"
  sqs_managed_sse_enabled = true
  redrive_policy          = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 5 })
}

# --- topic
resource "aws_sns_topic" "main" {
  name              = "${var.name}-events"
  kms_master_key_id = "alias/aws/sns"
}

# --- secret
resource "aws_secretsmanager_secret" "main" {
  name                    = "${var.name}-secret"
  recovery_window_in_days = 30
}

# --- registry
resource "aws_ecr_repository" "main" {
  name                 = var.name
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
}
