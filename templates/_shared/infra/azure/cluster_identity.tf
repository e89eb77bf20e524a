# Who the cluster and its nodes are, who may administer it, and how the pods of the one service
# account `app` become the identity of the same name (identity.tf).

locals {
  # The cluster puts its nodes and load balancers into one subnet, and gives the nodes their identity.
  cluster_grants = {
    network = { role = "Network Contributor", scope = azurerm_subnet.service.id }
    nodes   = { role = "Managed Identity Operator", scope = azurerm_user_assigned_identity.node.id }
  }
}

resource "azurerm_user_assigned_identity" "cluster" {
  name                = "${local.name}-cluster"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags
}

resource "azurerm_user_assigned_identity" "node" {
  name                = "${local.name}-node"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags
}

resource "azurerm_role_assignment" "cluster" {
  for_each = local.cluster_grants

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.cluster.principal_id
  principal_type       = "ServicePrincipal"
}

# Whoever applies this administers it; others get a role from you.
resource "azurerm_role_assignment" "administrator" {
  scope                = azurerm_kubernetes_cluster.main.id
  role_definition_name = "Azure Kubernetes Service RBAC Cluster Admin"
  principal_id         = data.azurerm_client_config.current.object_id
}

resource "azurerm_federated_identity_credential" "app" {
  name                      = "cluster"
  user_assigned_identity_id = azurerm_user_assigned_identity.app.id
  issuer                    = azurerm_kubernetes_cluster.main.oidc_issuer_url
  audience                  = ["api://AzureADTokenExchange"]
  subject                   = "system:serviceaccount:${local.name}:app"
}
