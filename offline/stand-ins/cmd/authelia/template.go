package main

// The "template" filter of configuration files, with those of Authelia's functions that deliver secrets.
// Source: docs/content/reference/guides/templating.md (functions), internal/templates/funcs.go (their results).

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"text/template"
)

var templateFunctions = template.FuncMap{
	"secret": func(path string) (string, error) {
		content, err := os.ReadFile(path)
		return strings.TrimRight(string(content), "\n"), err
	},
	"fileContent": func(path string) (string, error) {
		content, err := os.ReadFile(path)
		return string(content), err
	},
	"env": func(name string) string {
		if isSecretVariable(name) {
			return ""
		}
		return os.Getenv(name)
	},
	"mustEnv": func(name string) (string, error) {
		value, ok := os.LookupEnv(name)
		if !ok {
			return "", fmt.Errorf("environment variable '%s' isn't set", name)
		}
		if isSecretVariable(name) {
			return "", nil
		}
		return value, nil
	},
	"indent":  indent,
	"nindent": func(width int, text string) string { return "\n" + indent(width, text) },
	"mindent": func(width int, style, text string) string {
		if !strings.Contains(text, "\n") {
			return text
		}
		return style + "\n" + indent(width, text)
	},
	"quote":      func(text string) string { return fmt.Sprintf("%q", text) },
	"squote":     func(text string) string { return "'" + text + "'" },
	"mquote":     func(text string) string { return quoteLine(text, `"`) },
	"msquote":    func(text string) string { return quoteLine(text, "'") },
	"trim":       strings.TrimSpace,
	"trimPrefix": func(prefix, text string) string { return strings.TrimPrefix(text, prefix) },
	"trimSuffix": func(suffix, text string) string { return strings.TrimSuffix(text, suffix) },
	"lower":      strings.ToLower,
	"upper":      strings.ToUpper,
	"b64enc":     func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) },
	"b64dec": func(text string) (string, error) {
		decoded, err := base64.StdEncoding.DecodeString(text)
		return string(decoded), err
	},
}

func executeTemplate(content []byte) ([]byte, error) {
	parsed, err := template.New("config").Funcs(templateFunctions).Parse(string(content))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, nil)
	return out.Bytes(), err
}

func indent(width int, text string) string {
	margin := strings.Repeat(" ", width)
	return margin + strings.ReplaceAll(text, "\n", "\n"+margin)
}

// quoteLine quotes a single line; a text of several lines is a YAML block already.
func quoteLine(text, quote string) string {
	if strings.Contains(text, "\n") {
		return text
	}
	return quote + text + quote
}

// isSecretVariable tells which variables templates may not read. Source: internal/templates/util.go isSecretEnvKey.
func isSecretVariable(name string) bool {
	if !strings.HasPrefix(name, variablePrefix) && !strings.HasPrefix(name, "X_"+variablePrefix) {
		return false
	}
	return isSecret(strings.ToLower(name))
}
