# PostgreSQL (with the vector extension available): private, encrypted on disk
# and on the wire, its password made and kept by RDS.

locals {
  database_secret = aws_db_instance.main.master_user_secret[0].secret_arn

  # psycopg takes the password from PGPASSWORD, so it is in no URL and no state.
  # sslmode=require encrypts; it trusts the network for the server's identity.
  store_url = "postgresql://${aws_db_instance.main.username}@${aws_db_instance.main.address}:5432/${aws_db_instance.main.db_name}?sslmode=require"
}

resource "aws_db_subnet_group" "main" {
  name       = local.name
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_db_parameter_group" "main" {
  name        = "${local.name}-pg17"
  family      = "postgres17"
  description = "Refuse connections without TLS"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
}

resource "aws_db_instance" "main" {
  identifier     = local.name
  engine         = "postgres"
  engine_version = "17"
  instance_class = local.tier.database_class
  db_name        = "app"
  username       = "app"

  # RDS writes the password into Secrets Manager; Terraform never sees it.
  manage_master_user_password = true

  db_subnet_group_name   = aws_db_subnet_group.main.name
  vpc_security_group_ids = [aws_security_group.database.id]
  parameter_group_name   = aws_db_parameter_group.main.name
  publicly_accessible    = false
  multi_az               = local.tier.database_standby

  storage_type          = "gp3"
  allocated_storage     = 20
  max_allocated_storage = 100
  storage_encrypted     = true

  backup_retention_period    = local.tier.backup_days
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = true
  deletion_protection        = local.tier.protect
  skip_final_snapshot        = !local.tier.protect
  final_snapshot_identifier  = "${local.name}-final"
}

# The service, on one port; nobody else.
resource "aws_security_group" "database" {
  name        = "${local.name}-database"
  description = "PostgreSQL"
  vpc_id      = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "database_from_service" {
  security_group_id            = aws_security_group.database.id
  description                  = "PostgreSQL"
  referenced_security_group_id = local.service_group
  from_port                    = 5432
  to_port                      = 5432
  ip_protocol                  = "tcp"
}
