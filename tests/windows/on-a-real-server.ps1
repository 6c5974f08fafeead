#Requires -Version 5.1
<#
.SYNOPSIS
Records what this Windows really says, for the tests that run elsewhere.

.DESCRIPTION
For a Windows Server 2019 or 2022 to dispose of, with IIS, in a PowerShell that was started as an
administrator. What it does and leaves is told in docs/windows-on-a-real-server.md. The recording
itself is made by inside\record.py; this only gives it a Python with Salt.

.PARAMETER Python
A Python that has Salt and pywin32 already, such as the one of an installed minion. Without it,
one is made below the temporary directory with the Python 3.11 on the PATH, and removed again.

.PARAMETER Output
The file to write. It must not be there yet.
#>
param(
    [string]$Python = '',
    [string]$Output = 'recording.json'
)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

function Invoke-Program {
    param([string]$Program, [string[]]$Arguments)
    & $Program $Arguments
    if ($LASTEXITCODE -ne 0) {
        throw "$Program $Arguments ended with $LASTEXITCODE"
    }
}

$identity = [Security.Principal.WindowsIdentity]::GetCurrent()
$principal = New-Object -TypeName Security.Principal.WindowsPrincipal -ArgumentList $identity
if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
    throw 'Services, tasks and sites are created: start PowerShell as an administrator.'
}
if (-not (Get-Module -ListAvailable -Name WebAdministration)) {
    throw 'There is no IIS: Install-WindowsFeature Web-Server, Web-Scripting-Tools'
}
if (Test-Path -LiteralPath $Output) {
    throw "$Output is there already."
}

$project = (Resolve-Path -LiteralPath (Join-Path -Path $PSScriptRoot -ChildPath '..\..')).Path
$record = Join-Path -Path $PSScriptRoot -ChildPath 'inside\record.py'
$made = Join-Path -Path ([IO.Path]::GetTempPath()) -ChildPath 'pushguide-recording-python'
if (($Python -eq '') -and (Test-Path -LiteralPath $made)) {
    throw "$made is there already: remove it."
}

try {
    if ($Python -eq '') {
        Invoke-Program -Program 'python' -Arguments @('-m', 'venv', $made)
        $Python = Join-Path -Path $made -ChildPath 'Scripts\python.exe'
        $overrides = Join-Path -Path $PSScriptRoot -ChildPath 'left_out.txt'
        $constraints = Join-Path -Path $project -ChildPath 'constraints.txt'
        Invoke-Program -Program $Python -Arguments @('-m', 'pip', 'install', '--quiet', 'uv')
        Invoke-Program -Program $Python -Arguments @(
            '-m', 'uv', 'pip', 'install', '--python', $Python,
            '--override', $overrides, '--constraint', $constraints, 'salt'
        )
    }
    Invoke-Program -Program $Python -Arguments @('-B', $record, $Output)
    Write-Output -InputObject "The recording is in $Output"
}
finally {
    if (Test-Path -LiteralPath $made) {
        Remove-Item -LiteralPath $made -Recurse -Force
    }
}
