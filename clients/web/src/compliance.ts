// The service for levels, papers, disclosures and what the house knows of one.

import { createClient } from "@connectrpc/connect";
import { transport } from "./api";
import { ComplianceService } from "./gen/xache/v1/compliance_pb";

export const compliance = createClient(ComplianceService, transport);
