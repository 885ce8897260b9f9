export const audiencesPath = '/audiences/';
