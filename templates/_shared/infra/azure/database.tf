# PostgreSQL with the vector extension: in a subnet of its own without a public
# address, encrypted on disk and on the wire.

locals {
  # psycopg takes the password from PGPASSWORD, so it is in no URL and no state.
  # sslmode=require encrypts; it trusts the network for the server's identity.
  store_url = "postgresql://${azurerm_postgresql_flexible_server.main.administrator_login}@${azurerm_postgresql_flexible_server.main.fqdn}:5432/${azurerm_postgresql_flexible_server_database.app.name}?sslmode=require"

  password_version = 1 # add 1 and apply: a new password, in the server and in the vault
}

# Made when it is needed and never kept: neither plan nor state has it.
ephemeral "random_password" "database" {
  length  = 32
  special = false # it also has to fit in a connection string
}

resource "azurerm_postgresql_flexible_server" "main" {
  name                = "${local.short}-db"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  version             = "17"
  sku_name            = local.tier.database_class
  tags                = local.tags

  administrator_login               = "app"
  administrator_password_wo         = ephemeral.random_password.database.result
  administrator_password_wo_version = local.password_version

  delegated_subnet_id           = azurerm_subnet.database.id
  private_dns_zone_id           = azurerm_private_dns_zone.main["database"].id
  public_network_access_enabled = false

  storage_mb            = 32768
  auto_grow_enabled     = true
  backup_retention_days = local.tier.backup_days

  dynamic "high_availability" {
    for_each = local.tier.database_standby ? ["ZoneRedundant"] : []

    content {
      mode = high_availability.value
    }
  }

  # Azure chooses the zones, and may swap them after a failover.
  lifecycle {
    ignore_changes = [zone, high_availability[0].standby_availability_zone]
  }

  depends_on = [azurerm_private_dns_zone_virtual_network_link.main]
}

resource "azurerm_postgresql_flexible_server_configuration" "main" {
  for_each = {
    "azure.extensions"         = "VECTOR"
    "require_secure_transport" = "ON"
    "ssl_min_protocol_version" = "TLSv1.2"
  }

  name      = each.key
  value     = each.value
  server_id = azurerm_postgresql_flexible_server.main.id
}

resource "azurerm_postgresql_flexible_server_database" "app" {
  name      = "app"
  server_id = azurerm_postgresql_flexible_server.main.id
}
