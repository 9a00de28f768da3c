#!/bin/sh
# Every profile must template cleanly, with compose and with helm.
set -eu
cd "$(dirname "$0")/../.."
for profile in dev stage prod airgap mirror; do
	docker compose --env-file "$profile.env" \
		-f "deploy/compose/docker-compose.$profile.yaml" config >/dev/null
	echo "compose $profile: ok"
	helm template stellaops deploy/helm/stellaops \
		-f "deploy/helm/stellaops/values-$profile.yaml" >/dev/null
	echo "helm $profile: ok"
done
