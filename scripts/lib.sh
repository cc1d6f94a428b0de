# What the scripts share: finding the checkout, and installing what is missing by its package name.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# need PACKAGE...: installs Debian packages that are not there, or says exactly what to install.
need() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "These packages are missing and cannot be installed as $(id -un). Run this, then try again:" >&2
            echo "    sudo apt-get install ${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    echo "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null
}

need_swift() {
    command -v swift >/dev/null && return
    echo "Swift 6.3 is needed: install it from swift.org/install, then try again." >&2
    exit 1
}

# client_environment: makes .venv with the official MCP client, an OpenID provider and a signer of XML, once.
client_environment() {
    need python3 python3-venv
    if ! .venv/bin/python -c 'import mcp, oidc_provider_mock, signxml' 2>/dev/null; then
        rm -rf .venv
        python3 -m venv .venv
        .venv/bin/pip install --quiet 'mcp>=2.3,<3' 'oidc-provider-mock>=0.3,<1' 'signxml>=4,<5'
    fi
}
