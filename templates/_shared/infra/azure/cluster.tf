# The cluster: AKS, whose nodes have private addresses only, take Azure's fixes by
# themselves and are more or fewer as the pods need them. What runs in it is
# deploy/.

locals {
  # Everything about the nodes that differs between the environments.
  nodes = {
    dev  = { sku = "Free", size = "Standard_D2as_v5", min = 1, max = 3, zones = null }
    prod = { sku = "Standard", size = "Standard_D4as_v5", min = 2, max = 6, zones = ["1", "2", "3"] }
  }[var.environment]

  puller = azurerm_user_assigned_identity.node.principal_id # the nodes pull images

  # The service's alarms are Prometheus's (monitoring/).
  service_alarms = {}
}

resource "azurerm_subnet" "service" {
  name                 = "service"
  resource_group_name  = azurerm_resource_group.main.name
  virtual_network_name = azurerm_virtual_network.main.name
  address_prefixes     = [cidrsubnet(var.network_cidr, 4, 0)]
}

resource "azurerm_kubernetes_cluster" "main" {
  name                = local.name
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  dns_prefix          = local.short
  sku_tier            = local.nodes.sku
  tags                = local.tags

  # A version behind the newest, and the nodes' fixes, without anybody having to remember.
  automatic_upgrade_channel = "stable"
  node_os_upgrade_channel   = "NodeImage"

  # The service's pods prove who they are with a token that the cluster signs.
  oidc_issuer_enabled       = true
  workload_identity_enabled = true

  # Who may administer it are roles in Azure; there is no administrator's password.
  local_account_disabled            = true
  role_based_access_control_enabled = true

  azure_active_directory_role_based_access_control {
    tenant_id          = data.azurerm_client_config.current.tenant_id
    azure_rbac_enabled = true
  }

  api_server_access_profile {
    authorized_ip_ranges = var.allowed_cidrs # for your kubectl
  }

  default_node_pool {
    name                        = "system"
    vm_size                     = local.nodes.size
    os_sku                      = "AzureLinux"
    vnet_subnet_id              = azurerm_subnet.service.id
    node_public_ip_enabled      = false
    max_pods                    = 110
    auto_scaling_enabled        = true
    min_count                   = local.nodes.min
    max_count                   = local.nodes.max
    zones                       = local.nodes.zones
    temporary_name_for_rotation = "systemnext"
    tags                        = local.tags

    upgrade_settings {
      max_surge = "33%"
    }
  }

  node_provisioning_profile {
    mode = "Manual" # the autoscaler above, with its limits
  }

  # Pods have addresses of their own (variables.tf keeps both ranges free); what leaves the cluster carries its node's.
  network_profile {
    network_plugin      = "azure"
    network_plugin_mode = "overlay"
    network_data_plane  = "cilium"
    network_policy      = "cilium"
    pod_cidr            = "172.30.0.0/16"
    service_cidr        = "172.31.0.0/16"
    dns_service_ip      = "172.31.0.10"
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.cluster.id]
  }

  kubelet_identity {
    client_id                 = azurerm_user_assigned_identity.node.client_id
    object_id                 = azurerm_user_assigned_identity.node.principal_id
    user_assigned_identity_id = azurerm_user_assigned_identity.node.id
  }

  # Deployments that wait for work (deploy/worker) are scaled by KEDA, which is Azure's to look after.
  workload_autoscaler_profile {
    keda_enabled = true
  }

  oms_agent {
    log_analytics_workspace_id      = azurerm_log_analytics_workspace.main.id
    msi_auth_for_monitoring_enabled = true
  }

  # The autoscaler owns the number after the first apply.
  lifecycle {
    ignore_changes = [default_node_pool[0].node_count]
  }

  depends_on = [azurerm_role_assignment.cluster]
}

# Spot nodes with a GPU: only where models are your own, and only while a pod asks for one.
resource "azurerm_kubernetes_cluster_node_pool" "gpu" {
  for_each = toset([for model in [var.llm.primary, var.llm.fallback] : "gpu" if startswith(model, "ollama:")])

  name                   = each.value
  kubernetes_cluster_id  = azurerm_kubernetes_cluster.main.id
  vm_size                = "Standard_NC4as_T4_v3"
  os_sku                 = "Ubuntu"
  vnet_subnet_id         = azurerm_subnet.service.id
  node_public_ip_enabled = false
  priority               = "Spot"
  eviction_policy        = "Delete"
  spot_max_price         = -1 # whatever a spot node costs, but never more than an ordinary one
  max_pods               = 50
  auto_scaling_enabled   = true
  min_count              = 0
  max_count              = 1
  tags                   = local.tags

  # The first of each is Azure's own mark of a spot node.
  node_labels = { "kubernetes.azure.com/scalesetpriority" = "spot", node = "gpu" }
  node_taints = ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule", "nvidia.com/gpu=present:NoSchedule"]
}
