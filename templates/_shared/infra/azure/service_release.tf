# Where Container Apps counts the requests of each build; canary.sh reads them there.

output "release_metrics" {
  description = "Under which names the stable build and the canary are counted."
  value = {
    app = azurerm_container_app.app.id
    tracks = {
      for track, tag in { stable = var.release.stable, canary = var.release.canary } :
      track => "${azurerm_container_app.app.name}--${local.revisions[tag]}" if tag != null
    }
  }
}
