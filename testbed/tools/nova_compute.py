#!/usr/bin/env python3
"""nova-compute that also finds the driver in plugins/nova_virt (Nova looks only inside nova.virt)."""
import sys
from pathlib import Path

from nova.cmd import compute  # first: it sets threading up
import nova.virt

nova.virt.__path__.append(str(Path(__file__).resolve().parent.parent / "plugins" / "nova_virt"))
sys.argv[0] = "nova-compute"
compute.main()
