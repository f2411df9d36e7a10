// Pulumi's docker provider plugin, made of the real upstream provider (kreuzwerker/docker) and Pulumi's bridge.
// Ours is only the mapping below, from upstream's names to those of the npm package @pulumi/docker.
//
// The module's path lies under the upstream's, because Go lets only such packages import its internal/provider.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// version is that of the npm package the plugin serves; the linker sets it (-X main.version=…).
var version string

func main() {
	info := tfbridge.ProviderInfo{
		Name:    "docker",
		Version: version,
		P:       shimv2.NewProvider(provider.New(version)()),
		Resources: map[string]*tfbridge.ResourceInfo{
			// docker:index:Image is Pulumi's own builder of images, which has no upstream; the pulled image has this name.
			"docker_image": {
				Tok:    "docker:index/remoteImage:RemoteImage",
				Fields: map[string]*tfbridge.SchemaInfo{"name": {Name: "name"}}, // an image's name is never generated
			},
			"docker_config": {Tok: "docker:index/serviceConfig:ServiceConfig"},
			"docker_container": {Fields: map[string]*tfbridge.SchemaInfo{
				// Without these the bridge would make the plurals "commands" and "networksAdvanceds".
				"command":           {Name: "command"},
				"networks_advanced": {Name: "networksAdvanced"},
			}},
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"docker_image": {Tok: "docker:index/getRemoteImage:getRemoteImage"},
		},
	}
	info.MustComputeTokens(tokens.SingleModule("docker_", "index", tokens.MakeStandard("docker")))
	// A resource without a name gets the Pulumi name and a random suffix, as @pulumi/docker documents.
	info.SetAutonaming(255, "-")
	tfbridge.Main("docker", version, info, []byte(`{"name":"docker","version":"`+version+`"}`))
}
