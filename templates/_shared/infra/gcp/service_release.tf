# Where Cloud Run counts the requests of each build; canary.sh reads them there.

output "release_metrics" {
  description = "Under which names the stable build and the canary are counted."
  value = {
    project = google_cloud_run_v2_service.app.project
    tracks = {
      for track, tag in { stable = var.release.stable, canary = var.release.canary } :
      track => local.revisions[tag] if tag != null
    }
  }
}
