// Pulumi's tls provider plugin, made of the real upstream provider (hashicorp/tls) and Pulumi's bridge.
// Ours is only the mapping below, from upstream's names to those of the npm package @pulumi/tls.
//
// The module's path lies under the upstream's, because Go lets only such packages import its internal/provider.
package main

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-provider-tls/internal/provider"
	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
)

// version is that of the npm package the plugin serves; the linker sets it (-X main.version=…).
var version string

func main() {
	info := tfbridge.ProviderInfo{
		Name:    "tls",
		Version: version,
		P:       pf.ShimProvider(provider.New()),
		// Pulumi's release tooling keeps the history of renames here; nothing was renamed, but the bridge asks for it.
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
	}
	info.MustComputeTokens(tokens.SingleModule("tls_", "index", tokens.MakeStandard("tls")))
	schema := fmt.Sprintf(`{"name":"tls","version":%q}`, version)
	pf.Main(context.Background(), "tls", info, pf.ProviderMetadata{PackageSchema: []byte(schema)})
}
