// Pulumi's random provider plugin, made of the real upstream provider (hashicorp/random) and Pulumi's bridge.
// Ours is only the mapping below, from upstream's names to those of the npm package @pulumi/random.
//
// The module's path lies under the upstream's, because Go lets only such packages import its internal/provider.
package main

import (
	"context"
	"fmt"

	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// version is that of the npm package the plugin serves; the linker sets it (-X main.version=…).
var version string

// generatedID is the id of resources for which upstream keeps none: there the value itself is the id, or is secret, so
// a word takes its place. An id is stored and printed in the clear, so it must never be the value of a secret.
func generatedID(context.Context, resource.PropertyMap) (resource.ID, error) { return "none", nil }

func main() {
	info := tfbridge.ProviderInfo{
		Name:    "random",
		Version: version,
		P:       pf.ShimProvider(provider.New()),
		// Pulumi's release tooling keeps the history of renames here; nothing was renamed, but the bridge asks for it.
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
		Resources: map[string]*tfbridge.ResourceInfo{
			"random_bytes": {ComputeID: generatedID},
		},
	}
	// @pulumi/random repeats the package's name in every type: random:index/randomPassword:RandomPassword.
	info.MustComputeTokens(tokens.SingleModule("random_", "index", func(module, name string) (string, error) {
		return tokens.MakeStandard("random")(module, "Random"+name)
	}))
	schema := fmt.Sprintf(`{"name":"random","version":%q}`, version)
	pf.Main(context.Background(), "random", info, pf.ProviderMetadata{PackageSchema: []byte(schema)})
}
