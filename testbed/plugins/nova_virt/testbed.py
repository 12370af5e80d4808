"""Nova's fake driver, plus: it remembers its servers over a restart, snapshots
put real bytes into Glance, and the console log looks like a boot."""
import io

from nova.compute import power_state
from nova.compute import vm_states
from nova import context as nova_context
from nova.image import glance
from nova import objects
from nova.virt import fake


class Driver(fake.FakeDriverWithoutFakeNodes):

    def init_host(self, host):
        super().init_host(host)
        instances = objects.InstanceList.get_by_host(
            nova_context.get_admin_context(), host, expected_attrs=["flavor"])
        for i in instances:
            if i.vm_state in (vm_states.BUILDING, vm_states.DELETED, vm_states.SOFT_DELETED,
                              vm_states.SHELVED_OFFLOADED):
                continue
            state = power_state.RUNNING if i.power_state is None else i.power_state
            self.instances[i.uuid] = fake.FakeInstance(i.name, state, i.uuid)

    def snapshot(self, context, instance, image_id, update_task_state):
        super().snapshot(context, instance, image_id, update_task_state)
        api = glance.API()
        meta = {"status": "active", "disk_format": "raw", "container_format": "bare",
                "properties": dict(api.get(context, image_id).get("properties") or {})}
        api.update(context, image_id, meta, io.BytesIO(b"\0" * 1048576))

    def get_console_output(self, context, instance):
        return (f"[    0.000000] Linux version 6.1.0 (fake)\n"
                f"[    1.000000] Booting {instance.display_name} ({instance.uuid})\n"
                f"{instance.hostname} login: ").encode()
